-- The words of messages, so that the staff finds one without reading all. A table of our own instead of a full-text index, because
-- that keeps the words of erased messages until it is rebuilt.
create table contact_words (
    word        varchar(40) character set utf8mb4 collate utf8mb4_bin  not null comment 'folded',
    message_id  bigint unsigned  not null,
    primary key (word, message_id),
    key contact_words_message (message_id),
    constraint contact_words_message foreign key (message_id) references contact_messages (id) on delete cascade
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

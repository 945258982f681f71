-- What the staff has answered, with the message, and removed with it.
create table contact_replies (
    id          bigint unsigned  not null auto_increment,
    message_id  bigint unsigned  not null,
    text        text             not null,
    language    varchar(35) character set ascii collate ascii_bin  not null,
    is_copied   boolean          not null comment 'whether the shop gets a copy',
    created_at  timestamp(6)     not null,
    primary key (id),
    key contact_replies_message (message_id, id),
    constraint contact_replies_message foreign key (message_id) references contact_messages (id) on delete cascade
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

-- Mails about orders, written in the transaction that decides, and handed over to the queue of mails afterwards. They have no
-- address and no text: both follow from the order when the mail is handed over.
create table mails (
    id            bigint unsigned  not null auto_increment,
    order_number  int unsigned     not null,
    event         varchar(20) character set ascii collate ascii_bin  not null,
    source        binary(16)       not null comment 'the message or action that caused it',
    created_at    timestamp(6)     not null,
    sent_at       timestamp(6)     null comment 'when it was handed over',
    failed_at     timestamp(6)     null comment 'when it came back',
    failure       varchar(200)     null comment 'bounce or complaint, in the words of the mail service',
    is_unsent     boolean          as (sent_at is null) stored,
    primary key (id),
    unique key mails_once (order_number, event, source),
    key mails_unsent (is_unsent, id),
    constraint mails_order foreign key (order_number) references orders (number) on delete cascade
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

-- Every message and every action of the staff that was processed, and its effect: the primary key makes a redelivery
-- harmless, and the rows are the record of what was processed and what was not.
create table order_messages (
    id          binary(16)    not null,
    order_id    binary(16)    not null,
    kind        varchar(20) character set ascii collate ascii_bin  not null,
    effect      varchar(100)  not null comment 'a state; or refused with its reason; or repeated, for a key with another body',
    sent_at     timestamp(6)  not null,
    applied_at  timestamp(6)  not null,
    primary key (id),
    key order_messages_order (order_id)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

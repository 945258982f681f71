-- Attempts at a message that have not ended well, counted before each attempt: a message that crashes its consumer must
-- not be tried for ever. The queue's own count also includes outages and messages that were returned with another one.
create table message_faults (
    message   varchar(100) character set ascii collate ascii_bin not null comment 'id of the queue',
    attempts  smallint unsigned not null,
    reason    varchar(500) null comment 'of the last attempt; null if it crashed',
    began_at  timestamp(6) not null,
    primary key (message),
    key message_faults_began (began_at)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

-- Two orders of one buyer that are decided at once would each count the other's as not there. The rows are slots and not
-- buyers, because a row of each buyer would be data about them.
create table order_locks (
    slot  tinyint unsigned  not null,
    primary key (slot)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

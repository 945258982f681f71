-- What was searched for in vain, without who did. The number of rows is limited: a query has a slot, and another query in
-- the same slot takes it over once it is asked for more often.
create table search_misses (
    slot      smallint unsigned  not null comment 'CRC-32 of the query modulo 4096',
    query     varchar(100)       not null comment 'folded words',
    searches  int unsigned       not null,
    last_at   timestamp          not null,
    primary key (slot)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_nopad_bin;

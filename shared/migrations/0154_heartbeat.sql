-- When the primary wrote last, every two seconds. The age of the row on a replica is its lag, which it cannot show otherwise:
-- the status of replication needs a privilege that RDS gives to no user.
create table heartbeat (
    id         tinyint unsigned  not null,
    beaten_at  timestamp(6)      not null,
    primary key (id)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

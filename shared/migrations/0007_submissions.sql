-- What became of each submission that was dealt with. The primary key is what makes a repeated delivery harmless.
create table submissions (
    id          binary(16)                     not null,
    kind        varchar(20) character set ascii collate ascii_bin  not null,
    outcome     enum ('published', 'rejected') not null,
    reason      varchar(500)                   null comment 'in words for the visitor',
    sent_at     timestamp(6)                   not null,
    settled_at  timestamp(6)                   not null default current_timestamp(6),
    primary key (id)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

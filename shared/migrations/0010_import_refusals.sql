create table import_refusals (
    import_id  int unsigned   not null,
    line       int unsigned   not null,
    reason     varchar(500)   not null,
    row_text   text           not null comment 'the row as it came, cut at 2,000 characters',
    primary key (import_id, line),
    constraint import_refusals_import foreign key (import_id) references imports (id) on delete cascade
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

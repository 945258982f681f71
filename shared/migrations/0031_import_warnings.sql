-- The cells that were left out, for the report beside the file: a retry of the import writes the report again.
create table import_warnings (
    import_id    int unsigned   not null,
    line         int unsigned   not null,
    column_name  varchar(64) character set ascii collate ascii_bin  not null,
    value        varchar(200)   not null comment 'as it came, cut at 200 characters',
    reason       varchar(500)   not null,
    primary key (import_id, line, column_name),
    constraint import_warnings_import foreign key (import_id) references imports (id) on delete cascade
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

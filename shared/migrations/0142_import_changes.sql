-- What a preview would do to books: some of the new and the changed ones, as many as a page shows.
create table import_changes (
    import_id    int unsigned   not null,
    line         int unsigned   not null,
    is_new       boolean        not null,
    reference    varchar(100)   character set ascii collate ascii_bin  not null,
    title        varchar(500)   not null,
    differences  text           not null comment 'JSON: columns with the values before and after',
    primary key (import_id, line),
    constraint import_changes_import foreign key (import_id) references imports (id) on delete cascade
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

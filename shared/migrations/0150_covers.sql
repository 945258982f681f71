-- The cover of a book. Its files are in the bucket of files, in the widths that follow from that of the widest.
create table covers (
    book_id   int unsigned       not null,
    hash      char(32) character set ascii collate ascii_bin  not null comment 'of the content, part of the addresses',
    width     smallint unsigned  not null comment 'of the widest file, in pixels',
    height    smallint unsigned  not null,
    credit    varchar(200)       null comment 'who made the picture, as it is shown with it',
    added_at  timestamp(6)       not null,
    primary key (book_id),
    constraint covers_book foreign key (book_id) references books (id) on delete cascade
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

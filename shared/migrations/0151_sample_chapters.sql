-- The sample chapter of a book, a PDF in the bucket of files.
create table sample_chapters (
    book_id   int unsigned       not null,
    hash      char(32) character set ascii collate ascii_bin  not null comment 'of the content, part of the address',
    bytes     int unsigned       not null,
    pages     smallint unsigned  not null,
    added_at  timestamp(6)       not null,
    primary key (book_id),
    constraint sample_chapters_book foreign key (book_id) references books (id) on delete cascade
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

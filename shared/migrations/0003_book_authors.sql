create table book_authors (
    book_id    int unsigned      not null,
    position   tinyint unsigned  not null comment 'from 0, as on the cover',
    author_id  int unsigned      not null,
    primary key (book_id, position),
    key book_authors_author (author_id, book_id),
    constraint book_authors_book foreign key (book_id) references books (id) on delete cascade,
    constraint book_authors_author foreign key (author_id) references authors (id)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

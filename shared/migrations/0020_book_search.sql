-- What a book is searched by, one row for each book. `refresh` finds the rows that do not fit their book by `source`.
create table book_search (
    book_id    int unsigned      not null,
    place      tinyint unsigned  not null comment 'class of popularity, 0 is the most popular',
    source     int unsigned      not null comment 'CRC-32 of the definition''s version, title and byline',
    title      varchar(500)      not null comment 'folded words of the title without its series, a blank around each',
    title_key  varchar(100)      not null comment 'the same without blanks: a title is found by it however it is parted',
    terms      varchar(4000)     not null comment 'all that the book is found by, a blank around each',
    primary key (book_id),
    key book_search_title (title_key, place, book_id),
    constraint book_search_book foreign key (book_id) references books (id) on delete cascade
) engine = InnoDB default character set utf8mb4 collate utf8mb4_nopad_bin;

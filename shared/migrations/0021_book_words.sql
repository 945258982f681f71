-- The word index, in order of popularity: the best hits of a word are the first entries of its range.
create table book_words (
    word     varchar(64)       not null,
    place    tinyint unsigned  not null comment 'as in book_search',
    book_id  int unsigned      not null,
    primary key (word, place, book_id)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_nopad_bin;

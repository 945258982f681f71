create table book_genres (
    book_id   int unsigned       not null,
    genre_id  smallint unsigned  not null,
    primary key (book_id, genre_id),
    key book_genres_genre (genre_id, book_id),
    constraint book_genres_book foreign key (book_id) references books (id) on delete cascade,
    constraint book_genres_genre foreign key (genre_id) references genres (id)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

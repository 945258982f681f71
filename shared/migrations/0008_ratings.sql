-- One rating a visitor and book; a later one replaces it.
create table ratings (
    id             bigint unsigned   not null auto_increment,
    submission_id  binary(16)        not null,
    book_id        int unsigned      not null,
    visitor_id     binary(16)        not null,
    stars          tinyint unsigned  not null,
    name           varchar(80)       null,
    review         text              null,
    sent_at        timestamp(6)      not null,
    primary key (id),
    unique key ratings_one_each (book_id, visitor_id),
    key ratings_newest (book_id, sent_at, id),
    constraint ratings_book foreign key (book_id) references books (id) on delete cascade,
    constraint ratings_submission foreign key (submission_id) references submissions (id),
    constraint ratings_stars check (stars between 1 and 5)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

-- How many gave a book each number of stars: `imported` came with a catalogue and only an import changes it,
-- `given` counts the rows of `ratings` and changes in the same transaction with them.
create table star_counts (
    book_id   int unsigned      not null,
    stars     tinyint unsigned  not null,
    imported  int unsigned      not null default 0,
    given     int unsigned      not null default 0,
    primary key (book_id, stars),
    constraint star_counts_book foreign key (book_id) references books (id) on delete cascade,
    constraint star_counts_range check (stars between 1 and 5)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

-- Copies sold by day, without what was cancelled: `books.sold` is the sum of a book, and the sweep subtracts days that are
-- older than thirty and removes them.
create table book_sales (
    day      date          not null,
    book_id  int unsigned  not null,
    copies   int unsigned  not null,
    primary key (day, book_id),
    constraint book_sales_book foreign key (book_id) references books (id) on delete cascade
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

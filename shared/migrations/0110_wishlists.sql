-- The books that a customer wants to remember. The number gives their order. Without a foreign key to the customer, because the
-- message of the first sign-in may come later.
create table wishlists (
    id        bigint unsigned  not null auto_increment,
    subject   binary(16)       not null,
    book_id   int unsigned     not null,
    added_at  timestamp(6)     not null,
    primary key (id),
    unique key wishlists_once (subject, book_id),
    key wishlists_newest (subject, id),
    constraint wishlists_book foreign key (book_id) references books (id) on delete cascade
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

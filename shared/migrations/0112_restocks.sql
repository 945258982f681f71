-- Books of which copies came after there were none, until everybody who waits for them was notified. Written with the movement, and
-- read by sweeps, so that no movement waits for mails and a lost message loses none.
create table restocks (
    book_id       int unsigned       not null,
    restocked_at  timestamp(6)       not null,
    notified          smallint unsigned  not null default 0,
    primary key (book_id),
    key restocks_oldest (restocked_at),
    constraint restocks_book foreign key (book_id) references books (id) on delete cascade
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

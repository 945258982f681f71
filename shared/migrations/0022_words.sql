-- The vocabulary of the word index: a search begins with its rarest word, and a beginning stands for the most frequent
-- words that begin so.
create table words (
    word   varchar(64)   not null,
    books  int unsigned  not null comment 'how many books have it',
    primary key (word)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_nopad_bin;

-- The words of titles and authors, each under itself and under itself without one letter: so a mistyped word has
-- something in common with the right one. Imports add words, and none is taken away: a correction is tried before it is
-- offered.
create table word_variants (
    variant  varchar(32) collate utf8mb4_bin  not null,
    word     varchar(32) collate utf8mb4_bin  not null comment 'in lower case, without accents',
    primary key (variant, word)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

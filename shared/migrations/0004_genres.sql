create table genres (
    id    smallint unsigned  not null auto_increment,
    slug  varchar(60) character set ascii collate ascii_bin  not null,
    primary key (id),
    unique key genres_slug (slug)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

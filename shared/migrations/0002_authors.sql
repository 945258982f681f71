-- Names are compared byte by byte: José and Jose may be two authors.
create table authors (
    id    int unsigned  not null auto_increment,
    name  varchar(200) collate utf8mb4_bin  not null,
    primary key (id),
    unique key authors_name (name)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

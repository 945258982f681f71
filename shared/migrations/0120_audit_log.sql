-- What the staff has done on its pages: who, what, about what, when, and with which outcome. Written in the transaction of the change.
-- The person is named by subject and address, because the account in the user pool may be gone when somebody asks.
create table audit_log (
    id       bigint unsigned                                           not null auto_increment,
    at       timestamp(6)                                              not null,
    subject  binary(16)                                                not null,
    email    varchar(254)                                              not null,
    action   varchar(40)   character set ascii collate ascii_bin       not null,
    about    varchar(40)   character set ascii collate ascii_bin       not null,
    outcome  varchar(80)   character set ascii collate ascii_bin       not null,
    detail   varchar(400)                                              null,
    primary key (id),
    key audit_log_about (about, id),
    key audit_log_time (at)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

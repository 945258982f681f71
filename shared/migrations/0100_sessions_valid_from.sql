-- Sessions of a person that were issued until this time are refused: everybody who signs out everywhere, and who is erased. By a
-- hash, so that the row of somebody who was erased names nobody. A row is of no use once the longest session has ended.
create table sessions_valid_from (
    subject_hash  binary(16)    not null,
    valid_from    timestamp(6)  not null,
    primary key (subject_hash),
    key sessions_valid_from_time (valid_from)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

-- A writer locks the row of its visitor in share mode, and an erasure locks it alone, so that neither runs beside the other:
-- what is being written while a visitor is erased would survive. The rows are slots and not visitors, because a row of
-- each visitor would be data about them.
create table visitor_locks (
    slot  tinyint unsigned  not null,
    primary key (slot)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

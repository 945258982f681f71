-- The cart of a customer, as a cookie has it, so that it follows the customer to other browsers. Without a foreign key, because
-- the message of the first sign-in may come after that of the cart.
create table customer_carts (
    subject     binary(16)     not null,
    cart        varchar(1400) character set ascii collate ascii_bin  not null,
    changed_at  timestamp(6)   not null,
    primary key (subject)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

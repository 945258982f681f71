//! The shop from outside: through the load balancer, the queue and the bucket of a local stage that
//! `cargo bookstore test` starts for it.

mod account;
mod alerts;
mod api;
mod api_gateway;
mod books;
mod bounces;
mod browser;
mod cart;
mod comparison;
mod contact;
mod deploying;
mod finding;
mod http;
mod imports;
mod mails;
mod operating;
mod order_queue;
mod orders;
mod outage;
mod pages;
mod passwords;
mod ratings;
mod replay;
mod replicas;
mod server;
mod sign_in;
mod staff;
mod staff_books;
mod staff_imports;
mod staff_pages;
mod support;
mod uploads;

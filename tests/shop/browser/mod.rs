//! The pages in a real browser: a shopper's tasks, and axe, the Nu HTML checker and Lighthouse on every page.

mod accessibility;
mod chromium;
mod hostile;
mod keyboard;
mod lighthouse;
mod pages;
mod screenshots;
mod shopper;
mod staff;
mod staff_imports;
mod tab;
mod validity;

//! Writes every page in both languages, with the assets, for any server of static files:
//! `cargo run --example preview -- OUT_DIR`. It prints the size of each page and the time to render it.

mod samples;

use std::{env, fs, path::Path, time::Instant};

use frontend::{Locale, assets};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let out = env::args().nth(1).ok_or("name the folder to write to: cargo run --example preview -- OUT_DIR")?;
    let out = Path::new(&out);
    for asset in assets::all() {
        write(out, asset.path, asset.raw)?;
        println!("{:>7} bytes {:>6} brotli            {}", asset.raw.len(), asset.brotli.len(), asset.name);
    }
    for locale in Locale::ALL {
        let mut outcome = Ok(());
        samples::every_page(locale, |name, page| {
            let written = page.dyn_render().map_err(Into::into).and_then(|html| {
                let started = Instant::now();
                let again = page.dyn_render()?;
                let micros = started.elapsed().as_micros();
                println!("{:>7} bytes {micros:>6} µs to render     {}/{name}", again.len(), locale.tag());
                write(out, &format!("/{}/{name}.html", locale.tag()), html.as_bytes())
            });
            if written.is_err() {
                outcome = written;
            }
        });
        outcome?;
    }
    Ok(())
}

fn write(out: &Path, path: &str, content: &[u8]) -> Result<()> {
    let file = out.join(path.trim_start_matches('/'));
    fs::create_dir_all(file.parent().ok_or("the file has no folder")?)?;
    Ok(fs::write(file, content)?)
}

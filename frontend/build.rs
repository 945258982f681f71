//! Packs the assets: a name that changes with the content, and brotli and gzip made once, here.

use std::{env, fmt::Write as _, fs, io::Write as _, path::Path};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

/// An asset may name those before it, as `/assets/icon.svg`, which is replaced by the name with the fingerprint.
const ASSETS: &[(&str, &str)] = &[
    ("icon.svg", "image/svg+xml"),
    ("icon.png", "image/png"),
    ("style.css", "text/css; charset=utf-8"),
    ("shop.js", "text/javascript; charset=utf-8"),
    ("shop.webmanifest", "application/manifest+json"),
];

fn main() {
    println!("cargo::rerun-if-changed=assets");
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let out = Path::new(&out);
    let mut named: Vec<(&str, String)> = Vec::new();
    let mut table = String::from("&[\n");
    for (name, content_type) in ASSETS {
        let raw = fs::read(Path::new("assets").join(name)).expect("every asset of the list lies in assets/");
        let raw = with_fingerprints(raw, &named);
        let path = fingerprinted(name, &raw);
        fs::write(out.join(name), &raw).expect("OUT_DIR can be written");
        fs::write(out.join(format!("{name}.br")), brotli(&raw)).expect("OUT_DIR can be written");
        fs::write(out.join(format!("{name}.gz")), gzip(&raw)).expect("OUT_DIR can be written");
        let bytes = |ending: &str| format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}{ending}\"))");
        let (raw, br, gz) = (bytes(""), bytes(".br"), bytes(".gz"));
        writeln!(
            table,
            "Asset {{ name: {name:?}, path: {path:?}, content_type: {content_type:?}, \
             raw: {raw}, brotli: {br}, gzip: {gz} }},"
        )
        .expect("a String takes everything");
        named.push((name, path));
    }
    fs::write(out.join("assets.rs"), table + "]").expect("OUT_DIR can be written");
}

fn fingerprinted(name: &str, content: &[u8]) -> String {
    let (stem, ending) = name.rsplit_once('.').expect("an asset has an ending");
    let digest = Sha256::digest(content);
    let hash = u64::from_be_bytes(digest[..8].try_into().expect("SHA-256 has 32 bytes"));
    format!("/assets/{stem}.{hash:016x}.{ending}")
}

/// Text assets may name others; binary ones (images) do not.
fn with_fingerprints(content: Vec<u8>, named: &[(&str, String)]) -> Vec<u8> {
    match String::from_utf8(content) {
        Ok(text) => {
            named.iter().fold(text, |text, (name, path)| text.replace(&format!("/assets/{name}"), path)).into_bytes()
        }
        Err(binary) => binary.into_bytes(),
    }
}

fn brotli(content: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, size_hint: content.len(), ..Default::default() };
    brotli::BrotliCompress(&mut &content[..], &mut packed, &parameters).expect("memory does not fail");
    packed
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).and_then(|()| encoder.finish()).expect("memory does not fail")
}

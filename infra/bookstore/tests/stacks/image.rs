//! The image of the server in a real registry: pushed, pulled, unpacked, and run.

use std::{
    fs,
    io::Read,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use bookstore::image::{Layout, Login, push};
use flate2::read::GzDecoder;
use reqwest::header;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{http, support::variable};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A registry of images on this machine, without a login.
struct Registry {
    process: std::process::Child,
    port: u16,
}

impl Drop for Registry {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

impl Registry {
    async fn start(folder: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = json!({
            "version": "0.1",
            "log": { "level": "error", "accesslog": { "disabled": true } },
            "storage": { "filesystem": { "rootdirectory": folder.join("registry") } },
            "http": { "addr": format!("127.0.0.1:{port}") },
        });
        // JSON is YAML.
        let file = folder.join("registry.yml");
        fs::write(&file, settings.to_string()).unwrap();
        let mut command = Command::new(variable("ANAQUEL_REGISTRY"));
        let process = command.arg("serve").arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let registry = Self { process, port };
        let began = Instant::now();
        while http().build().unwrap().get(registry.url("")).send().await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "the registry does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        registry
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/v2/{path}", self.port)
    }

    fn reference(&self, tag: &str) -> String {
        format!("127.0.0.1:{}/anaquel:{tag}", self.port)
    }

    /// The bytes of a manifest or a blob, which have the digest.
    async fn get(&self, path: &str, accept: &str) -> (Vec<u8>, String) {
        let client = http().no_proxy().build().unwrap();
        let answer =
            client.get(self.url(&format!("anaquel/{path}"))).header(header::ACCEPT, accept).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        let bytes = answer.bytes().await.unwrap().to_vec();
        let hex: String = Sha256::digest(&bytes).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        (bytes, format!("sha256:{hex}"))
    }
}

fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" }
}

#[ignore = "needs a registry and the built functions"]
#[tokio::test]
async fn an_image_that_was_pushed_is_pulled_unpacked_and_run() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::start(folder.path()).await;
    let program = fs::read(PathBuf::from(variable("ANAQUEL_BINARIES")).join("server")).unwrap();
    let layout = Layout::create(&folder.path().join("image")).unwrap();
    layout.add(&program, &json!({ "bomFormat": "CycloneDX" }), architecture()).unwrap();
    layout.add(b"of another processor", &json!({}), "riscv64").unwrap();
    let images = layout.images().unwrap();
    let pushed = push(&layout, &images, &registry.reference("1"), Login::Anonymous).await.unwrap();
    let again = push(&layout, &images, &registry.reference("1"), Login::Anonymous).await.unwrap();
    assert_eq!(pushed, again);

    let (index, digest) = registry.get("manifests/1", INDEX).await;
    assert_eq!(digest, pushed);
    let index: Value = serde_json::from_slice(&index).unwrap();
    let mut entries = index["manifests"].as_array().unwrap().iter();
    let entry = entries.find(|entry| entry["platform"]["architecture"] == architecture()).unwrap();
    let of_image = entry["digest"].as_str().unwrap();
    let (manifest, digest) = registry.get(&format!("manifests/{of_image}"), MANIFEST).await;
    assert_eq!(digest, of_image);
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let of_layer = manifest["layers"][0]["digest"].as_str().unwrap();
    let (layer, digest) = registry.get(&format!("blobs/{of_layer}"), "*/*").await;
    assert_eq!(digest, of_layer);
    let mut files = Vec::new();
    GzDecoder::new(&layer[..]).read_to_end(&mut files).unwrap();
    let root = folder.path().join("root");
    tar::Archive::new(&files[..]).unpack(&root).unwrap();

    let output = Command::new(root.join("server")).env_clear().output().unwrap();
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(line["error"].as_str().unwrap().starts_with("ANAQUEL_SERVICE is not set"), "{line}");

    // A stage has one image, by a tag of its own.
    let one = push(&layout, &images[..1], &registry.reference("one"), Login::Anonymous).await.unwrap();
    assert_eq!((one.as_str(), registry.get("manifests/one", MANIFEST).await.1), (of_image, of_image.to_owned()));
}

#[ignore = "needs a registry and the built functions"]
#[tokio::test]
async fn a_registry_that_is_away_is_named_and_so_is_a_folder_without_an_image() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::create(folder.path()).unwrap();
    layout.add(b"program", &json!({}), "arm64").unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let away = format!("127.0.0.1:{port}/anaquel:1");
    let error = push(&layout, &layout.images().unwrap(), &away, Login::Anonymous).await.unwrap_err();
    assert!(format!("{error:#}").contains(&port.to_string()), "{error:#}");
    let error = push(&layout, &layout.images().unwrap(), "no image", Login::Anonymous).await.unwrap_err();
    assert!(format!("{error:#}").contains("no image names no image"), "{error:#}");
    let error = push(&layout, &[], &away, Login::Anonymous).await.unwrap_err();
    assert!(format!("{error:#}").contains("there is no image to push"), "{error:#}");
    let none = Layout::open(&folder.path().join("nothing")).err().unwrap();
    assert!(format!("{none:#}").contains("run `cargo bookstore image build`"), "{none:#}");
}

//! An OCI image layout: a folder with blobs by their digest and an index of images, one for each architecture.
//! <https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md>
//!
//! The same program gives the same digest: no time, no owner and no commit is in it, so a deploy of unchanged code starts no task
//! again.

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use flate2::{Compression, GzBuilder};
use infra::{containers::HTTP_PORT, stacks::containers::USER};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{EntryType, Header};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Names of the user, for programs that want one.
const PASSWD: &str = "nonroot:x:65532:65532:nonroot:/:/sbin/nologin\n";
const GROUP: &str = "nonroot:x:65532:\n";

/// A folder with images.
pub struct Layout {
    folder: PathBuf,
}

/// A reference to a blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    pub media_type: String,
    /// `sha256:…`
    pub digest: String,
    pub size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// As Go names it: `arm64`, `amd64`.
    pub architecture: String,
    pub os: String,
}

/// The part of a manifest that a push needs.
#[derive(Deserialize)]
pub struct Manifest {
    pub config: Descriptor,
    pub layers: Vec<Descriptor>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u8,
    media_type: String,
    manifests: Vec<Descriptor>,
}

impl Layout {
    /// An empty layout in this folder, whose old one is removed.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn create(folder: &Path) -> Result<Self> {
        let blobs = folder.join("blobs");
        let is_ours = folder.join("oci-layout").exists();
        ensure!(is_ours || !blobs.exists(), "{} exists and is no image: choose another folder", blobs.display());
        if blobs.exists() {
            fs::remove_dir_all(&blobs).with_context(|| format!("removing {}", blobs.display()))?;
        }
        fs::create_dir_all(blobs.join("sha256")).with_context(|| format!("creating {}", folder.display()))?;
        let layout = Self { folder: folder.to_owned() };
        layout.write("oci-layout", json!({ "imageLayoutVersion": "1.0.0" }).to_string().as_bytes())?;
        layout.write_index(Vec::new())?;
        Ok(layout)
    }

    /// The layout in this folder.
    ///
    /// # Errors
    /// There is none.
    pub fn open(folder: &Path) -> Result<Self> {
        let layout = Self { folder: folder.to_owned() };
        layout
            .index()
            .with_context(|| format!("{} has no image: run `cargo bookstore image build`", folder.display()))?;
        Ok(layout)
    }

    /// Adds the image of a program with its list of components. `architecture` is Go's name of it. Returns its manifest.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn add(&self, program: &[u8], components: &Value, architecture: &str) -> Result<Descriptor> {
        let files = layer(program, components)?;
        let mut packed = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
        packed.write_all(&files)?;
        let layer = self.add_blob(LAYER, &packed.finish()?)?;
        let config = self.add_blob(CONFIG, config(architecture, &digest(&files)).to_string().as_bytes())?;
        let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer] });
        let platform = Platform { architecture: architecture.to_owned(), os: "linux".to_owned() };
        let added = self.add_blob(MANIFEST, manifest.to_string().as_bytes())?;
        let added = Descriptor { platform: Some(platform), ..added };
        let mut manifests = self.images()?;
        manifests.retain(|known| known.platform != added.platform);
        manifests.push(added.clone());
        self.write_index(manifests)?;
        Ok(added)
    }

    /// The manifests of its images.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn images(&self) -> Result<Vec<Descriptor>> {
        Ok(self.index()?.manifests)
    }

    /// The index of all images, as a blob of its own.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn index_blob(&self) -> Result<(Descriptor, Vec<u8>)> {
        let bytes = self.read("index.json")?;
        let descriptor =
            Descriptor { media_type: INDEX.to_owned(), digest: digest(&bytes), size: bytes.len(), platform: None };
        Ok((descriptor, bytes))
    }

    /// The bytes of a blob.
    ///
    /// # Errors
    /// It is not there.
    pub fn blob(&self, descriptor: &Descriptor) -> Result<Vec<u8>> {
        self.read(&blob_path(&descriptor.digest))
    }

    fn index(&self) -> Result<Index> {
        serde_json::from_slice(&self.read("index.json")?).context("index.json")
    }

    fn write_index(&self, manifests: Vec<Descriptor>) -> Result<()> {
        let index = Index { schema_version: 2, media_type: INDEX.to_owned(), manifests };
        self.write("index.json", &serde_json::to_vec(&index)?)
    }

    fn add_blob(&self, media_type: &str, bytes: &[u8]) -> Result<Descriptor> {
        let digest = digest(bytes);
        self.write(&blob_path(&digest), bytes)?;
        Ok(Descriptor { media_type: media_type.to_owned(), digest, size: bytes.len(), platform: None })
    }

    fn read(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.folder.join(name);
        fs::read(&path).with_context(|| format!("reading {}", path.display()))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))
    }
}

fn blob_path(digest: &str) -> String {
    format!("blobs/{}", digest.replace(':', "/"))
}

fn digest(bytes: &[u8]) -> String {
    let mut digest = "sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        _ = write!(digest, "{byte:02x}");
    }
    digest
}

/// The only layer: the program, the names of its user, and the list of components.
fn layer(program: &[u8], components: &Value) -> Result<Vec<u8>> {
    let mut files = tar::Builder::new(Vec::new());
    let components = serde_json::to_vec(components)?;
    append(&mut files, "etc/", EntryType::Directory, 0o755, &[])?;
    append(&mut files, "etc/group", EntryType::Regular, 0o644, GROUP.as_bytes())?;
    append(&mut files, "etc/passwd", EntryType::Regular, 0o644, PASSWD.as_bytes())?;
    append(&mut files, "sbom.cdx.json", EntryType::Regular, 0o644, &components)?;
    append(&mut files, "server", EntryType::Regular, 0o755, program)?;
    Ok(files.into_inner()?)
}

/// Owner and times are 0.
fn append(files: &mut tar::Builder<Vec<u8>>, path: &str, kind: EntryType, mode: u32, bytes: &[u8]) -> Result<()> {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(bytes.len() as u64);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    Ok(files.append_data(&mut header, path, bytes)?)
}

/// <https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md>
fn config(architecture: &str, layer: &str) -> Value {
    json!({
        "architecture": architecture,
        "os": "linux",
        "config": {
            "User": USER,
            "ExposedPorts": { (format!("{HTTP_PORT}/tcp")): {} },
            "Entrypoint": ["/server"],
            "WorkingDir": "/",
            "StopSignal": "SIGTERM",
            "Labels": {
                "org.opencontainers.image.title": "anaquel-server",
                "org.opencontainers.image.description": "The pages and the API of Anaquel, a bookstore",
                "org.opencontainers.image.version": env!("CARGO_PKG_VERSION"),
                "org.opencontainers.image.licenses": env!("CARGO_PKG_LICENSE"),
            },
        },
        "rootfs": { "type": "layers", "diff_ids": [layer] },
        "history": [{ "created_by": "cargo bookstore image build" }],
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    fn layout() -> (tempfile::TempDir, Layout) {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::create(folder.path()).unwrap();
        (folder, layout)
    }

    #[test]
    fn the_same_program_gives_the_same_image_and_another_one_another() {
        let components = json!({ "components": [] });
        let [(_one, first), (_two, second)] = [layout(), layout()];
        let image = first.add(b"program", &components, "arm64").unwrap();
        assert_eq!(image, second.add(b"program", &components, "arm64").unwrap());
        assert_eq!(first.index_blob().unwrap().0, second.index_blob().unwrap().0);
        assert_ne!(image.digest, second.add(b"margorp", &components, "arm64").unwrap().digest);
        assert_eq!(second.images().unwrap().len(), 1, "the image of an architecture replaces the one before");
        second.add(b"program", &components, "amd64").unwrap();
        assert_eq!(second.images().unwrap().len(), 2);
    }

    #[test]
    fn a_folder_that_is_no_image_keeps_what_it_has() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("blobs")).unwrap();
        let error = Layout::create(folder.path()).err().unwrap().to_string();
        assert!(error.contains("is no image") && folder.path().join("blobs").exists(), "{error}");
    }

    #[test]
    fn every_blob_has_the_digest_and_the_size_of_its_name_and_nothing_is_owned_or_dated() {
        let (_folder, layout) = layout();
        let image = layout.add(b"program", &json!({ "components": [] }), "arm64").unwrap();
        let manifest: Manifest = serde_json::from_slice(&layout.blob(&image).unwrap()).unwrap();
        for descriptor in [&image, &manifest.config, &manifest.layers[0]] {
            let bytes = layout.blob(descriptor).unwrap();
            assert_eq!((digest(&bytes), bytes.len()), (descriptor.digest.clone(), descriptor.size));
        }
        let mut files = Vec::new();
        GzDecoder::new(&layout.blob(&manifest.layers[0]).unwrap()[..]).read_to_end(&mut files).unwrap();
        let config: Value = serde_json::from_slice(&layout.blob(&manifest.config).unwrap()).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"][0], digest(&files));
        assert_eq!((config["config"]["User"].as_str(), config["created"].as_str()), (Some("65532:65532"), None));
        let mut found = Vec::new();
        for entry in tar::Archive::new(&files[..]).entries().unwrap() {
            let header = entry.as_ref().unwrap().header();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()), (0, 0, 0));
            found.push((entry.as_ref().unwrap().path().unwrap().display().to_string(), header.mode().unwrap()));
        }
        let server = found.iter().find(|(path, _)| path == "server").unwrap();
        assert_eq!((found.len(), server.1), (5, 0o755), "{found:?}");
    }
}

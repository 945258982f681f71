//! TLS of the AWS services that the benchmark stands in for: a certificate of this process, made at its first use.
//!
//! On AWS a client checks a chain of RSA certificates, here one of ECDSA; both take some tenths of a millisecond.

use std::{
    fs::File,
    io::{self, Error, Write},
    net::{Ipv4Addr, TcpStream},
    os::fd::AsRawFd,
    path::PathBuf,
    process,
    sync::{Arc, OnceLock},
};

use anyhow::{Context, Result, anyhow};
use rcgen::{CertificateParams, KeyPair};
use rustix::fs::{MemfdFlags, memfd_create};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// A certificate for 127.0.0.1 with its key, and itself as the root that clients must trust.
pub struct Identity {
    server: Arc<ServerConfig>,
    /// In memory: `SSL_CERT_FILE` must name a file, and this one ends with the process.
    root: File,
}

/// That of this process.
///
/// # Errors
/// The certificate cannot be made.
pub fn identity() -> Result<&'static Identity> {
    static IDENTITY: OnceLock<Result<Identity>> = OnceLock::new();
    IDENTITY.get_or_init(Identity::new).as_ref().map_err(|error| anyhow!("{error:#}"))
}

impl Identity {
    fn new() -> Result<Self> {
        let key = KeyPair::generate().context("making a key")?;
        let names = CertificateParams::new([Ipv4Addr::LOCALHOST.to_string()])?;
        let certificate = names.self_signed(&key).context("making a certificate")?;
        let mut root =
            File::from(memfd_create("certificates", MemfdFlags::CLOEXEC).context("making a file in memory")?);
        root.write_all(certificate.pem().as_bytes())?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        Ok(Self { server: Arc::new(server), root })
    }

    /// The path of the root certificate as PEM, for processes of the same user while this one runs.
    pub fn root_file(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/fd/{}", process::id(), self.root.as_raw_fd()))
    }

    /// The server's end of a connection.
    pub fn serve(&self, stream: TcpStream) -> io::Result<StreamOwned<ServerConnection, TcpStream>> {
        let connection = ServerConnection::new(self.server.clone()).map_err(Error::other)?;
        Ok(StreamOwned::new(connection, stream))
    }
}

#[cfg(test)]
pub mod tests {
    use std::{io::Read, net::SocketAddr};

    use rustls::{
        ClientConfig, ClientConnection, RootCertStore,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    };

    use super::*;

    /// The answer to one request of a client that trusts these root certificates.
    pub fn post(address: SocketAddr, root: &[u8], target: &str, body: &str) -> String {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(root).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::from(address.ip());
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect(address).unwrap());
        let length = body.len();
        write!(stream, "POST / HTTP/1.1\r\nx-amz-target: {target}\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = [0; 1_000];
        let mut read = 0;
        while !answer[..read].ends_with(b"}") {
            read += stream.read(&mut answer[read..]).unwrap();
        }
        String::from_utf8_lossy(&answer[..read]).into_owned()
    }
}

//! A minimal HTTP/1.1 for the clients of a function: bodies with `Content-Length`, persistent connections.

use std::io::{self, BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::tls;

/// A request or a response.
#[derive(Debug, Default)]
pub struct Message {
    /// Request line or status line.
    pub start: String,
    /// Names in lower case, and values.
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Message {
    /// The value of the header with this lower-case name; empty without the header.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// The first byte of a connection with TLS: a record of the handshake (RFC 8446, 5.1).
const HANDSHAKE: u8 = 22;

trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

/// One end of a connection.
pub struct Connection(BufReader<Box<dyn Stream>>);

impl Connection {
    /// The server's end, with TLS if the client begins with it.
    pub fn accept(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let mut first = [0];
        stream.peek(&mut first)?;
        if first == [HANDSHAKE] {
            let identity = tls::identity().map_err(|error| Error::other(error.to_string()))?;
            return Ok(Self(BufReader::new(Box::new(identity.serve(stream)?))));
        }
        Ok(Self(BufReader::new(Box::new(stream))))
    }

    /// The client's end, without TLS.
    pub fn to(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(Box::new(stream))))
    }

    /// Reads the next message; none when the peer has closed the connection.
    pub fn read(&mut self) -> io::Result<Option<Message>> {
        let mut message = Message { start: self.line()?, ..Message::default() };
        if message.start.is_empty() {
            return Ok(None);
        }
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            message.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        if !message.header("transfer-encoding").is_empty() {
            return Err(Error::new(ErrorKind::Unsupported, "chunked bodies are not supported"));
        }
        let length = message.header("content-length").parse().unwrap_or_default();
        message.body = vec![0; length];
        self.0.read_exact(&mut message.body)?;
        Ok(Some(message))
    }

    /// Sends a message with one write. `head` has its start line and its headers.
    pub fn write(&mut self, head: &[&str], body: &[u8]) -> io::Result<()> {
        let mut message = Vec::with_capacity(body.len() + 512);
        for line in head {
            write!(message, "{line}\r\n")?;
        }
        write!(message, "content-length: {}\r\n\r\n", body.len())?;
        message.extend(body);
        self.0.get_mut().write_all(&message)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

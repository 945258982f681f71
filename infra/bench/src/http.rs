//! As much of HTTP/1.1 as a function's clients speak: bodies with a `Content-Length`, connections that stay open.

use std::io::{self, BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// A request or an answer: what comes first, the headers by lower-case name, the body.
#[derive(Debug, Default)]
pub struct Message {
    pub start: String,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Message {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// One end of a connection.
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    pub fn of(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    pub fn to(address: SocketAddr) -> io::Result<Self> {
        Self::of(TcpStream::connect(address)?)
    }

    /// The next message; none when the other side has left.
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
            return Err(Error::new(ErrorKind::Unsupported, "a body in chunks"));
        }
        let length = message.header("content-length").parse().unwrap_or_default();
        message.body = vec![0; length];
        self.0.read_exact(&mut message.body)?;
        Ok(Some(message))
    }

    /// Sends a message in one piece; `head` is its first line and its headers, a line each.
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

//! The structure of an image file, read without decoding it: its size, and that it ends with the file.

use std::io::Read;

use flate2::read::ZlibDecoder;
use shared::uploads::{FileType, MAX_PIXELS, MAX_PROFILE_BYTES, MAX_SCANS, Refusal, Size};

type Result<T> = std::result::Result<T, Refusal>;

/// The size of the image, before its orientation. Checks that the file has one image that does not move, within the limit of
/// pixels, and nothing behind it.
pub fn size(bytes: &[u8]) -> Result<Size> {
    let (size, end) = match crate::file_type::of(bytes) {
        FileType::Jpeg => jpeg(bytes)?,
        FileType::Png => png(bytes)?,
        FileType::WebP => webp(bytes)?,
        is => return Err(Refusal::NotACover { is }),
    };
    match bytes.len().checked_sub(end) {
        None => Err(Refusal::Truncated),
        Some(0) => Ok(size),
        Some(trailing) => Err(Refusal::TrailingBytes { bytes: trailing as u64 }),
    }
}

/// The size, if the shop decodes images of it.
fn within_limit(size: Size) -> Result<Size> {
    let Size { width, height } = size;
    match u64::from(width) * u64::from(height) {
        0 => Err(Refusal::Damaged),
        pixels if pixels > MAX_PIXELS => Err(Refusal::TooManyPixels { width, height }),
        _ => Ok(size),
    }
}

/// The size and the end of a JPEG, by its markers.
fn jpeg(bytes: &[u8]) -> Result<(Size, usize)> {
    let mut rest = Bytes { bytes, at: 2 };
    let (mut size, mut scans, mut data, mut profile_bytes) = (None, 0, 0, 0);
    loop {
        match rest.jpeg_marker()? {
            0xDA => {
                rest.segment()?;
                data += rest.skip_scan()?;
                scans += 1;
            }
            0xD9 if scans > MAX_SCANS => return Err(Refusal::TooManyScans { scans }),
            0xD9 if scans > 0 => {
                let size: Size = size.ok_or(Refusal::Damaged)?;
                return if data < least_data(size) { Err(Refusal::Truncated) } else { Ok((size, rest.at)) };
            }
            0x01 | 0xD0..=0xD7 => {}
            0xC0..=0xC2 if size.is_none() => size = Some(within_limit(frame(rest.segment()?)?)?),
            // A second image, or none.
            0xC0..=0xC2 | 0xD8 | 0xD9 => return Err(Refusal::Damaged),
            0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => return Err(Refusal::UnusualJpeg),
            // A profile is in as many segments as it needs.
            0xE2 => {
                profile_bytes += rest.segment()?.len() as u64;
                profile(profile_bytes)?;
            }
            _ => {
                rest.segment()?;
            }
        }
    }
}

/// Bytes of a JPEG's scans: a square of 8 by 8 pixels takes at least a bit. With fewer, the decoder would fill the image with
/// grey.
fn least_data(size: Size) -> usize {
    let squares = size.width.div_ceil(8) as usize * size.height.div_ceil(8) as usize;
    squares / 8
}

/// The size in the header of a JPEG's frame.
fn frame(header: &[u8]) -> Result<Size> {
    let [precision, height_1, height_2, width_1, width_2, components, ..] = *header else {
        return Err(Refusal::Damaged);
    };
    match (precision, components) {
        (8, 1 | 3) => {
            let [width, height] = [[width_1, width_2], [height_1, height_2]].map(u16::from_be_bytes).map(u32::from);
            Ok(Size { width, height })
        }
        (8, 4) => Err(Refusal::Cmyk),
        (12, _) => Err(Refusal::UnusualJpeg),
        _ => Err(Refusal::Damaged),
    }
}

/// The size and the end of a PNG, by its chunks. The decoder compares their checksums.
fn png(bytes: &[u8]) -> Result<(Size, usize)> {
    let mut rest = Bytes { bytes, at: 8 };
    let mut size = None;
    loop {
        let length = u32::from_be_bytes(rest.array()?);
        let kind: [u8; 4] = rest.array()?;
        let data = rest.take(length as usize)?;
        let _checksum: [u8; 4] = rest.array()?;
        match (&kind, size) {
            (b"IHDR", None) => {
                let mut header = Bytes { bytes: data, at: 0 };
                let [width, height] = [header.array()?, header.array()?].map(u32::from_be_bytes);
                size = Some(within_limit(Size { width, height })?);
            }
            (b"IHDR", Some(_)) | (_, None) => return Err(Refusal::Damaged),
            (b"acTL" | b"fcTL" | b"fdAT", _) => return Err(Refusal::Animated),
            (b"iCCP", _) => profile(length_of_profile(data))?,
            (b"IEND", Some(size)) => return Ok((size, rest.at)),
            _ => {}
        }
    }
}

/// Bytes of a PNG's colour profile, which is compressed: the decoder would inflate it as a whole, up to its own limit of memory.
/// Of one that is damaged, those before its fault.
fn length_of_profile(chunk: &[u8]) -> u64 {
    // A name, a zero byte, and the method of compression.
    let compressed = chunk.iter().position(|byte| *byte == 0).and_then(|end| chunk.get(end + 2..)).unwrap_or_default();
    let mut profile = ZlibDecoder::new(compressed).take(MAX_PROFILE_BYTES as u64 + 1);
    let mut length = 0;
    let mut part = [0; 8_192];
    while let Ok(read @ 1..) = profile.read(&mut part) {
        length += read as u64;
    }
    length
}

/// Refuses a colour profile beyond the limit.
fn profile(length: u64) -> Result<()> {
    if length > MAX_PROFILE_BYTES as u64 { Err(Refusal::LargeProfile) } else { Ok(()) }
}

/// The size and the end of a WebP, by its chunks.
fn webp(bytes: &[u8]) -> Result<(Size, usize)> {
    let mut rest = Bytes { bytes, at: 4 };
    let end = 8 + u32::from_le_bytes(rest.array()?) as usize;
    if bytes.len() < end {
        return Err(Refusal::Truncated);
    }
    rest = Bytes { bytes: &bytes[..end], at: 12 };
    let mut sizes = Vec::new();
    let mut has_image = false;
    while rest.at < end {
        let kind: [u8; 4] = rest.array()?;
        let length = u32::from_le_bytes(rest.array()?) as usize;
        let data = rest.take(length)?;
        // Chunks begin at even places.
        rest.at += length % 2;
        match &kind {
            b"VP8X" => {
                let [flags, _, _, _, w0, w1, w2, h0, h1, h2] = *data else { return Err(Refusal::Damaged) };
                if flags & 0b10 != 0 {
                    return Err(Refusal::Animated);
                }
                let [width, height] = [[w0, w1, w2, 0], [h0, h1, h2, 0]].map(u32::from_le_bytes).map(|less| less + 1);
                sizes.push(Size { width, height });
            }
            b"ANIM" | b"ANMF" => return Err(Refusal::Animated),
            b"ICCP" => profile(length as u64)?,
            b"VP8 " => {
                let [_, _, _, 0x9D, 0x01, 0x2A, w0, w1, h0, h1, ..] = *data else { return Err(Refusal::Damaged) };
                let [width, height] = [[w0, w1], [h0, h1]].map(|bytes| u32::from(u16::from_le_bytes(bytes) & 0x3FFF));
                sizes.push(Size { width, height });
                has_image = true;
            }
            b"VP8L" => {
                let [0x2F, b0, b1, b2, b3, ..] = *data else { return Err(Refusal::Damaged) };
                let packed = u32::from_le_bytes([b0, b1, b2, b3]);
                sizes.push(Size { width: (packed & 0x3FFF) + 1, height: (packed >> 14 & 0x3FFF) + 1 });
                has_image = true;
            }
            _ => {}
        }
    }
    // Of a file that states two, neither may be beyond the limits; the decoder refuses the difference.
    let size = Size {
        width: sizes.iter().map(|size| size.width).max().unwrap_or_default(),
        height: sizes.iter().map(|size| size.height).max().unwrap_or_default(),
    };
    if has_image { Ok((within_limit(size)?, end)) } else { Err(Refusal::Damaged) }
}

/// A place in the bytes of a file.
struct Bytes<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(length).ok_or(Refusal::Truncated)?;
        let taken = self.bytes.get(self.at..end).ok_or(Refusal::Truncated)?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| Refusal::Truncated)
    }

    /// The next marker of a JPEG, which any number of bytes 0xFF may precede.
    fn jpeg_marker(&mut self) -> Result<u8> {
        let [first] = self.array()?;
        if first != 0xFF {
            return Err(Refusal::Damaged);
        }
        loop {
            match self.array()? {
                [0xFF] => {}
                [0] => return Err(Refusal::Damaged),
                [marker] => return Ok(marker),
            }
        }
    }

    /// The content of a JPEG's segment.
    fn segment(&mut self) -> Result<&'a [u8]> {
        let length = u16::from_be_bytes(self.array()?);
        self.take(usize::from(length.checked_sub(2).ok_or(Refusal::Damaged)?))
    }

    /// To the marker behind the data of a scan, which is neither a stuffed byte nor a restart. Returns the data's length.
    fn skip_scan(&mut self) -> Result<usize> {
        let began = self.at;
        loop {
            let rest = self.bytes.get(self.at..).ok_or(Refusal::Truncated)?;
            self.at += rest.iter().position(|byte| *byte == 0xFF).ok_or(Refusal::Truncated)?;
            match self.bytes.get(self.at + 1).ok_or(Refusal::Truncated)? {
                0 | 0xD0..=0xD7 => self.at += 2,
                0xFF => self.at += 1,
                _ => return Ok(self.at - began),
            }
        }
    }
}

//! A cover: checks the uploaded image, and makes the JPEG of each width. What is served has been encoded here, so that
//! nothing of the original but its pixels reaches a browser: no metadata, no place where a photograph was taken.

mod pixels;
mod structure;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub use tests::hostile;

use shared::uploads::{CoverFiles, MAX_ASPECT, MAX_BYTES, MIN_WIDTH, Refusal, Size};

/// A checked cover with its files, narrowest first.
pub struct Cover {
    pub files: CoverFiles,
    pub jpegs: Vec<Vec<u8>>,
}

/// Checks the image and encodes it in each width.
pub fn check(bytes: &[u8]) -> Result<Cover, Refusal> {
    if bytes.is_empty() {
        return Err(Refusal::Empty);
    }
    if bytes.len() > MAX_BYTES {
        return Err(Refusal::TooManyBytes { bytes: bytes.len() as u64 });
    }
    structure::size(bytes)?;
    encode(bytes).map_err(|fault| match fault {
        Fault::Refused(refusal) => refusal,
        Fault::Decoder(error) => {
            tracing::info!(error = format!("{error:#}"), "The image cannot be decoded");
            Refusal::Damaged
        }
    })
}

enum Fault {
    Refused(Refusal),
    Decoder(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::Decoder(error.into())
    }
}

fn encode(bytes: &[u8]) -> Result<Cover, Fault> {
    let decoder = pixels::Decoder::new(bytes)?;
    let original = decoder.size();
    let Size { width, height } = original;
    // As it is shown, upright.
    if width < MIN_WIDTH {
        return Err(Fault::Refused(Refusal::TooNarrow { width }));
    }
    if height > width * MAX_ASPECT || width > height * MAX_ASPECT {
        return Err(Fault::Refused(Refusal::TooLong { width, height }));
    }
    let image = decoder.decode()?;
    let sizes = original.of_cover();
    let jpegs = sizes.iter().map(|size| image.jpeg(*size)).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Cover { files: CoverFiles { hash: crate::hash(jpegs.iter().map(Vec::as_slice)), sizes }, jpegs })
}

//! Arguments of `sampan image`.

use super::bytes;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `sampan image`.
#[derive(Args, Debug)]
pub struct Image {
    /// What to do with images.
    #[command(subcommand)]
    pub command: ImageCommand,
}

/// What to do with images.
#[derive(Debug, Subcommand)]
pub enum ImageCommand {
    /// Make an ext2 image; the same input gives the same image
    Build(Build),
    /// Write what is in an image to an archive or a directory
    Extract(Extract),
    /// Cut an image into compressed chunks that any web server for static files serves
    Chunk(Chunk),
    /// Note which chunks a start needs, so that a browser fetches these first
    Profile(Profile),
    /// Look for damage in an image, without changing it; as of `e2fsck -fn`, the exit code is 0
    /// for none, 4 for some, and 8 if nothing could be checked
    Check {
        /// The image
        #[arg(value_hint = clap::ValueHint::FilePath)]
        image: PathBuf,
    },
    /// Make an image larger or smaller: all of it is copied into a new one, which then takes its
    /// place. Overlays of the old one are of no use any more
    Resize {
        /// The image
        #[arg(value_hint = clap::ValueHint::FilePath)]
        image: PathBuf,
        /// The new size; K, M and G are powers of 1024
        #[arg(value_parser = bytes)]
        size: u64,
    },
    /// List a directory in an image
    Ls {
        /// The image
        image: PathBuf,
        /// The directory or file
        #[arg(default_value = "/")]
        path: String,
    },
    /// Print files in an image
    Cat {
        /// The image
        image: PathBuf,
        /// The files
        #[arg(required = true)]
        paths: Vec<String>,
    },
}

/// `sampan image build`.
#[derive(Args, Debug)]
pub struct Build {
    /// What is in it: `debian:SUITE` (by mmdebstrap, or by debootstrap as root), `dir:DIRECTORY`,
    /// `tar:FILE` (not compressed) or `oci-layout:DIRECTORY[:TAG]` (a container's image)
    #[arg(long, value_name = "SOURCE", value_parser = from)]
    pub from: From,
    /// Architecture of a Debian or of a container's image: amd64 or i386
    #[arg(long, default_value = "amd64", value_parser = ["amd64", "i386"])]
    pub arch: String,
    /// More packages of Debian, separated by commas
    #[arg(long, value_name = "PACKAGES", value_delimiter = ',')]
    pub include: Vec<String>,
    /// The size of the image; K, M and G are powers of 1024 [default: what is in it and room]
    #[arg(long, value_parser = bytes)]
    pub size: Option<u64>,
    /// The image; one that is there is replaced
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
}

/// `sampan image extract`.
#[derive(Args, Debug)]
pub struct Extract {
    /// The image
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub image: PathBuf,
    /// The directory in it
    #[arg(default_value = "/")]
    pub path: String,
    /// An archive of tar (`-`: to standard output); or, if it is there or ends in `/`, a directory
    #[arg(short, long, value_name = "FILE|DIRECTORY", value_hint = clap::ValueHint::AnyPath)]
    pub output: PathBuf,
}

/// `sampan image chunk`.
#[derive(Args, Debug)]
pub struct Chunk {
    /// The image
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub image: PathBuf,
    /// The folder for `index.json`, `maps` and `chunks`; chunks that it has stay
    #[arg(short, long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub output: PathBuf,
}

/// `sampan image profile`.
#[derive(Args, Debug)]
pub struct Profile {
    /// What `sampan image chunk` made
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub folder: PathBuf,
    /// Stop after so long if the program never waits for input
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub seconds: u64,
    /// The program and its arguments, by default a login shell
    #[arg(last = true, value_name = "ARGS")]
    pub program: Vec<String>,
}

/// What an image is made from.
#[derive(Clone, Debug)]
pub enum From {
    /// A release of Debian.
    Debian(String),
    /// A directory of the host.
    Directory(PathBuf),
    /// An archive.
    Tar(PathBuf),
    /// An OCI image layout, and perhaps the name of an image in it.
    Layout(String),
}

fn from(text: &str) -> Result<From, String> {
    match text.split_once(':') {
        Some(("debian", suite)) if !suite.is_empty() && !suite.starts_with('-') => {
            Ok(From::Debian(suite.to_owned()))
        }
        Some(("dir", path)) if !path.is_empty() => Ok(From::Directory(path.into())),
        Some(("tar", path)) if !path.is_empty() => Ok(From::Tar(path.into())),
        Some(("oci-layout", place)) if !place.is_empty() => Ok(From::Layout(place.to_owned())),
        _ => {
            let forms = "expected debian:SUITE, dir:DIRECTORY, tar:FILE or oci-layout:DIRECTORY";
            Err(forms.to_owned())
        }
    }
}

//! Where things are kept unless told otherwise.

use std::path::PathBuf;

use directories::{BaseDirs, ProjectDirs};

use super::ConfigError;

/// The platform's folder for the program's data.
///
/// # Errors
/// When the platform names none (no home folder).
pub fn default_store() -> Result<PathBuf, ConfigError> {
    dirs().map(|d| d.data_local_dir().join("store")).ok_or(ConfigError::NoHome)
}

/// The platform's place for the configuration file, whether or not there is one.
pub fn default_config() -> Option<PathBuf> {
    dirs().map(|d| d.config_dir().join("config.toml"))
}

/// This person's home folder.
pub fn home() -> Option<PathBuf> {
    BaseDirs::new().map(|dirs| dirs.home_dir().to_owned())
}

fn dirs() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "prodsignal")
}

//! The tables of sizes in README.md, between two comments there.

use std::fmt::Write;

use anyhow::{Context, Result};

use crate::project;

const BEGIN: &str = "<!-- sizes: `cargo xtask sizes --write` -->\n";
const END: &str = "<!-- sizes end -->\n";

/// Writes configurations with their bytes, and features with the bytes that each adds.
pub fn write(configurations: &[(&[String], u64)], additions: &[(&str, i64)]) -> Result<()> {
    let path = project::root().join("README.md");
    let text = std::fs::read_to_string(&path).context("cannot read README.md")?;
    let (before, rest) = text.split_once(BEGIN).context("README.md has no place for sizes")?;
    let (_, after) = rest.split_once(END).context("README.md has no end of sizes")?;
    let tables = tables(configurations, additions);
    std::fs::write(&path, format!("{before}{BEGIN}{tables}{END}{after}"))?;
    Ok(())
}

fn tables(configurations: &[(&[String], u64)], additions: &[(&str, i64)]) -> String {
    let mut text = String::from("| features | bytes |\n|---|---:|\n");
    for (features, bytes) in configurations {
        let names: Vec<String> = features.iter().map(|name| format!("`{name}`")).collect();
        let _ = writeln!(text, "| {} | {} |", names.join(", "), grouped(*bytes as i64));
    }
    text.push_str("\n| adds to the first, with what it needs | bytes |\n|---|---:|\n");
    for (feature, bytes) in additions {
        let _ = writeln!(text, "| `{feature}` | {} |", grouped(*bytes));
    }
    text
}

/// A number with commas.
fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{grouped, tables};

    #[test]
    fn tables_say_what_was_measured() {
        assert_eq!(["0", "999", "1,000", "-1,234,567"], [0, 999, 1000, -1_234_567].map(grouped));
        let features = ["a".to_owned(), "b".to_owned()];
        let text = tables(&[(&features, 45_624)], &[("c", 616)]);
        assert!(text.contains("| `a`, `b` | 45,624 |\n"), "{text}");
        assert!(text.contains("| `c` | 616 |\n"), "{text}");
    }
}

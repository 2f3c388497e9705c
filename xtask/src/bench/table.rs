//! A table that looks the same on a terminal and in Markdown.

use std::fmt;

pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(heading: &[&str]) -> Self {
        let heading = heading.iter().map(|&name| name.to_owned()).collect();
        Self {
            rows: vec![heading],
        }
    }

    /// A row may be shorter than the heading.
    pub fn add(&mut self, mut row: Vec<String>) {
        row.resize(self.rows[0].len(), String::new());
        self.rows.push(row);
    }

    fn widths(&self) -> Vec<usize> {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0).max(3)
        };
        (0..self.rows[0].len()).map(width).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for (number, row) in self.rows.iter().enumerate() {
            for (cell, width) in row.iter().zip(&widths) {
                write!(f, "| {cell:<width$} ")?;
            }
            f.write_str("|\n")?;
            if number == 0 {
                for width in &widths {
                    write!(f, "| {:-<width$} ", "")?;
                }
                f.write_str("|\n")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        let mut table = Table::new(&["program", "s"]);
        table.add(vec!["a–b".to_owned(), "1.25".to_owned()]);
        table.add(vec!["none".to_owned()]);
        let expect = "\
| program | s    |
| ------- | ---- |
| a–b     | 1.25 |
| none    |      |
";
        assert_eq!(table.to_string(), expect);
    }
}

//! Cells that have no value: errors of spreadsheets in the languages of Europe, formulas in place of their results, and the
//! words with which databases export a missing value.

/// Errors that end in an exclamation or a question mark, without what is around the name: `#REF!`, `#¡VALOR!`, `#NAME?`.
/// Of Excel, Calc and Google Sheets in English, Spanish, Portuguese, French, German, Italian, Dutch and Swedish.
const ERRORS: &str = "REF VALUE NAME DIV/0 NULL NUM SPILL CALC FIELD BLOCKED UNKNOWN CONNECT BUSY EXTERNAL PYTHON ERROR \
    VALOR NOMBRE NULO NÚM DESBORDAMIENTO CÁLCULO CAMPO BLOQUEADO DESCONOCIDO CONECTAR OCUPADO NOME DESPEJAR DESPEJO \
    REFERENCIA VALEUR NOM NUL PROPAGATION EPARS CHAMP BLOQUÉ INCONNU CALCUL BEZUG WERT ZAHL ÜBERLAUF KALK FELD \
    BLOCKIERT UNBEKANNT RIF VALORE NULLO ESPANSIONE CALCOLO VERW WAARDE NAAM DEEL/0 LEEG GETAL OVERLOPEN REFERENS VÄRDE \
    VÄRDEFEL NAMN DIVISION/0 OGILTIGT SKÄRNING SAKNAS";

/// Errors that end in no mark.
const BARE_ERRORS: [&str; 8] = ["#N/A", "#N/A!", "#N/D", "#N/D!", "#NV", "#N/B", "#GETTING_DATA", "#SPILL"];

/// A missing value as databases export it. In small letters it may be a name.
const MISSING: [&str; 4] = ["NULL", "(NULL)", "<NULL>", "\\N"];

/// Why a cell has no value, as the rest of a sentence that begins with its column; none if it may have one.
pub fn fault(cell: &str) -> Option<String> {
    if is_error(cell) {
        return Some(format!("is {cell}, an error of a spreadsheet; correct the cell there, or leave it empty"));
    }
    if MISSING.contains(&cell) {
        return Some(format!("is {cell}, a missing value of a database; give the value, or leave the cell empty"));
    }
    is_formula(cell).then(|| "is a formula; export the results of the formulas in place of their text".to_owned())
}

fn is_error(cell: &str) -> bool {
    let is_too_narrow = cell.len() >= 3 && cell.bytes().all(|byte| byte == b'#');
    let number = cell.strip_prefix("Err:").or_else(|| cell.strip_prefix("#ERR")).map(|rest| rest.trim_end_matches('!'));
    let is_numbered =
        number.is_some_and(|number| number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit()));
    is_too_narrow || is_numbered || BARE_ERRORS.contains(&cell) || is_marked_error(cell)
}

fn is_marked_error(cell: &str) -> bool {
    let Some(marked) = cell.strip_prefix('#').map(|rest| rest.trim_start_matches(['¡', '¿'])) else { return false };
    let name = marked.strip_suffix(['!', '?']).map(str::trim_end);
    name.is_some_and(|name| ERRORS.split_whitespace().any(|known| known == name))
}

/// Whether a cell is the text of a formula: `=` before a call of a function, a cell or an arithmetic of them. Any other text
/// may begin with `=`.
fn is_formula(cell: &str) -> bool {
    let Some(formula) = cell.strip_prefix('=') else { return false };
    let formula = formula.trim_start_matches(['+', '-', '(', ' ']);
    if formula.starts_with('"') {
        return true;
    }
    if let Some(sheet) = formula.strip_prefix('\'') {
        return sheet.contains("'!");
    }
    let end = formula.find(|c: char| !(c.is_alphanumeric() || "_.$".contains(c))).unwrap_or(formula.len());
    let (word, behind) = formula.split_at(end);
    match behind.trim_start().chars().next() {
        Some('(') => !word.is_empty() && behind.contains(')'),
        Some('!') => !word.is_empty() && behind.len() > 1,
        next => (is_cell(word) || is_number(word)) && next.is_none_or(|next| "+-*/^&:;,<>=%)".contains(next)),
    }
}

/// `A1`, `$B$12`
fn is_cell(word: &str) -> bool {
    let word = word.replace('$', "");
    let (column, row) = word.split_at(word.find(|c: char| c.is_ascii_digit()).unwrap_or(word.len()));
    let is_column = (1..=3).contains(&column.len()) && column.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_column && (1..=7).contains(&row.len()) && row.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_without_a_value_is_recognised_and_a_text_that_resembles_one_is_not() {
        for (kind, cells) in [
            (
                "error of a spreadsheet",
                "#N/A|#REF!|#VALUE!|#¡VALOR!|#NAME?|#¿NOMBRE?|#DIV/0!|#¡DIV/0!|#NULL!|#¡NULO!|#NUM!|#¡NUM!|#¡REF!|#N/D\
                 |#SPILL!|#CALC!|#ERROR!|#GETTING_DATA|#NV|#WERT!|#BEZUG!|#ZAHL!|#ÜBERLAUF!|#VALEUR!|#NOM?|#NUL!|#NOMBRE!\
                 |#VALEUR !|#NOME?|#VALORE!|#RIF!|#NULLO!|#NÚM!|#WAARDE!|#N/B|#####|Err:502|#ERR504!",
            ),
            ("missing value of a database", "NULL|(NULL)|<NULL>|\\N"),
            (
                "is a formula",
                "=SUMA(A1:A2)|=SUM(A1,A2)|=A1|=$B$2|=+A1*1.21|=-(A1+B2)|=Hoja1!A1|='Mi hoja'!B2|=5*3|=1984\
                 |=CONCATENATE(\"a\";\"b\")|=\"a\"&\"b\"|=VERKETTEN(A1; B1)|=SI.ERROR(A1;0)",
            ),
        ] {
            for cell in cells.split('|') {
                assert!(fault(cell).is_some_and(|reason| reason.contains(kind)), "{cell}: {:?}", fault(cell));
            }
        }
        for title in [
            "#GIRLBOSS",
            "#",
            "##",
            "#Nerd!",
            "#1!",
            "#value",
            "Null",
            "null",
            "Err: 502",
            "=",
            "= (igual)",
            "=Love",
            "=3 Poems",
            "==> More",
            "N/A",
            "NUM!",
            "1984",
            "A1",
            "What Is the Name of This Book?",
        ] {
            assert_eq!(fault(title), None, "{title}");
        }
    }
}

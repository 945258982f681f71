//! The dictionary of corrections: the words of titles and authors, each under itself and under itself without one letter.

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::MySqlConnection;

use crate::domain::spelling;

/// Variants that one statement writes.
const VARIANTS: usize = 5_000;

/// Adds those of these terms to the dictionary that can be corrections.
pub(super) async fn learn(connection: &mut MySqlConnection, terms: impl Iterator<Item = &String>) -> sqlx::Result<()> {
    let mut words: BTreeSet<&String> = terms.filter(|term| spelling::counts(term)).collect();
    let known = sqlx::query_scalar!(
        r#"
        select v.word
        from json_table(?, '$[*]' columns (word varchar(32) collate utf8mb4_bin path '$')) asked
        join word_variants v on v.variant = asked.word and v.word = asked.word
        "#,
        json!(words).to_string(),
    );
    for word in known.fetch_all(&mut *connection).await? {
        words.remove(&word);
    }
    // In the order of the key, so that two imports never wait for each other.
    let variants: BTreeSet<(String, &String)> = words
        .into_iter()
        .flat_map(|word| spelling::variants(word).into_iter().map(move |variant| (variant, word)))
        .collect();
    for variants in Vec::from_iter(variants).chunks(VARIANTS) {
        sqlx::query!(
            r#"
            insert ignore into word_variants (variant, word)
            select
                learnt.variant,
                learnt.word
            from json_table(?, '$[*]' columns (
                variant varchar(32) collate utf8mb4_bin path '$[0]',
                word varchar(32) collate utf8mb4_bin path '$[1]'
            )) learnt
            "#,
            json!(variants).to_string(),
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;

    use super::*;

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn words_are_learnt_once(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let words = ["quijote".to_owned(), "mancha".to_owned(), "de".to_owned()];
        let mut counts = Vec::new();
        for _ in 0..2 {
            learn(&mut connection, words.iter()).await.unwrap();
            let count = sqlx::query_scalar::<_, i64>("select count(*) from word_variants");
            counts.push(count.fetch_one(&pool).await.unwrap());
        }
        assert_eq!(counts, [15, 15]);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn more_words_than_one_statement_writes_are_all_learnt(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let word = |n: u8| [b'a' + n / 20, b'a' + n % 20].map(char::from).iter().collect::<String>().repeat(15);
        let words: Vec<String> = (0..200).map(word).collect();
        learn(&mut connection, words.iter()).await.unwrap();
        let counts = "select count(*), cast(sum(variant = word) as signed) from word_variants";
        let (variants, words): (i64, i64) = sqlx::query_as(counts).fetch_one(&pool).await.unwrap();
        assert_eq!(words, 200);
        assert!(usize::try_from(variants).unwrap() > VARIANTS, "{variants}");
    }
}

//! The figures as they are, for `nat-acct status`: one JSON object to whoever connects.

use tokio::io::AsyncWriteExt as _;

use super::{listener::Stream, questions::Asker};

/// Tells how it stands. Errors are those of who asks.
pub(super) async fn answer(mut stream: Stream, asker: Asker) {
    let Some(figures) = asker.ask().await else {
        return;
    };
    if let Ok(mut json) = serde_json::to_vec(&figures) {
        json.push(b'\n');
        let _ = stream.write_all(&json).await;
        let _ = stream.shutdown().await;
    }
}

//! The least that a function behind the load balancer can be. What it takes is Lambda's and `lambda_http`'s, not ours.

use lambda_http::{Error, Request, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(async |_: Request| Ok::<_, Error>("Hello"))).await
}

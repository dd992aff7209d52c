//! The same questions to a sorted set of Redis, over its own protocol. A rank there is the position in the set; the rank
//! in which equal scores share a place is a count of the better ones, which is what is asked for here.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use domain::random::Random;

use super::{BoardOptions, Question, QuestionFigures, SCORES, UPDATES, percentiles, score_of};
use crate::exit::Fault;

/// Commands that are sent before their replies are read, when loading.
const PIPELINE: u32 = 1_000;
const START_MAX: Duration = Duration::from_secs(10);

/// A server of its own, in memory. It ends when this is dropped.
struct Server {
    child: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection.
struct Link {
    stream: TcpStream,
    replies: BufReader<TcpStream>,
}

/// The figures, if Redis is installed.
pub(super) fn measure(options: &BoardOptions) -> Result<Option<Vec<QuestionFigures>>, Fault> {
    let Some(server) = start()? else { return Ok(None) };
    let mut link = server.connect()?;
    for first in (0..options.entries).step_by(usize::try_from(PIPELINE).unwrap_or(1)) {
        let indices = first..options.entries.min(first + PIPELINE);
        let add = |index: u32| {
            vec!["ZADD".into(), "b".into(), score_of(options.seed, index).to_string(), index.to_string()]
        };
        link.all(&indices.map(add).collect::<Vec<_>>())?;
    }
    let mut figures = Vec::new();
    for question in Question::ALL {
        figures.push(measure_question(question, &server, options)?);
    }
    Ok(Some(figures))
}

fn start() -> Result<Option<Server>, Fault> {
    let probe = TcpListener::bind("127.0.0.1:0").map_err(Fault::failed)?;
    let port = probe.local_addr().map_err(Fault::failed)?.port();
    drop(probe);
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    let child = match command.stdout(Stdio::null()).spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Fault::failed(error)),
    };
    let server = Server { child, port };
    let started = Instant::now();
    while let Err(fault) = server.connect() {
        if started.elapsed() > START_MAX {
            return Err(fault);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(Some(server))
}

fn measure_question(
    question: Question,
    server: &Server,
    options: &BoardOptions,
) -> Result<QuestionFigures, Fault> {
    let requests = options.requests.div_ceil(options.at_once);
    let started = Instant::now();
    let worker = |worker: u32| {
        let mut link = server.connect()?;
        let mut latencies = Vec::new();
        for number in 0..requests {
            let stream = u64::from(worker) << 32 | u64::from(number);
            let mut random = Random::of_stream(options.seed ^ 0x5eed, stream);
            let asked = Instant::now();
            link.ask(question, options, &mut random)?;
            latencies.push(asked.elapsed());
        }
        Ok::<_, Fault>(latencies)
    };
    let latencies = std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..options.at_once).map(|number| scope.spawn(move || worker(number))).collect();
        let mut latencies = Vec::new();
        for done in workers {
            latencies.extend(done.join().map_err(|_| Fault::failed("a thread ended"))??);
        }
        Ok::<_, Fault>(latencies)
    })?;
    let updates = latencies.len() * usize::try_from(question.updates()).unwrap_or(1);
    let updates = f64::from(u32::try_from(updates).unwrap_or(u32::MAX));
    Ok(QuestionFigures {
        question: question.name(),
        per_second: updates / started.elapsed().as_secs_f64(),
        latency_us: percentiles(&latencies),
        store_reads: None,
        store_writes: None,
        read_units: None,
        write_units: None,
    })
}

impl Server {
    fn connect(&self) -> Result<Link, Fault> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).map_err(Fault::failed)?;
        stream.set_nodelay(true).map_err(Fault::failed)?;
        let replies = BufReader::new(stream.try_clone().map_err(Fault::failed)?);
        Ok(Link { stream, replies })
    }
}

impl Link {
    fn ask(&mut self, question: Question, options: &BoardOptions, random: &mut Random) -> Result<(), Fault> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let any = |random: &mut Random| random.below(options.entries).to_string();
        match question {
            Question::Rank => {
                let score = self.all(&[words(&["ZSCORE", "b", &any(random)])])?.swap_remove(0);
                self.all(&[words(&["ZCOUNT", "b", &format!("({score}"), "+inf"])])?;
            }
            Question::Top => drop(self.all(&[words(&["ZREVRANGE", "b", "0", "9", "WITHSCORES"])])?),
            Question::Around => {
                let own = any(random);
                let found = self.all(&[words(&["ZREVRANK", "b", &own]), words(&["ZSCORE", "b", &own])])?;
                let place: u32 = found[0].parse().map_err(Fault::failed)?;
                let (first, last) = (place.saturating_sub(5).to_string(), (place + 5).to_string());
                let page = words(&["ZREVRANGE", "b", &first, &last, "WITHSCORES"]);
                self.all(&[page, words(&["ZCOUNT", "b", &format!("({}", found[1]), "+inf"])])?;
            }
            Question::Friends => {
                let scores: Vec<_> = (0..20).map(|_| words(&["ZSCORE", "b", &any(random)])).collect();
                let scores = self.all(&scores)?;
                let count = |score: &String| words(&["ZCOUNT", "b", &format!("({score}"), "+inf"]);
                self.all(&scores.iter().map(count).collect::<Vec<_>>())?;
            }
            Question::StepUpdate | Question::FarUpdate => {
                let is_far = question == Question::FarUpdate;
                let step =
                    |random: &mut Random| if is_far { random.below(SCORES).to_string() } else { "1".into() };
                let updates: Vec<_> =
                    (0..UPDATES).map(|_| words(&["ZINCRBY", "b", &step(random), &any(random)])).collect();
                self.all(&updates)?;
            }
        }
        Ok(())
    }

    /// Sends the commands at once; the first line of each reply, without its kind.
    fn all(&mut self, commands: &[Vec<String>]) -> Result<Vec<String>, Fault> {
        let mut text = String::new();
        for command in commands {
            let _ = write!(text, "*{}\r\n", command.len());
            for word in command {
                let _ = write!(text, "${}\r\n{word}\r\n", word.len());
            }
        }
        self.stream.write_all(text.as_bytes()).map_err(Fault::failed)?;
        commands.iter().map(|_| self.reply()).collect()
    }

    fn reply(&mut self) -> Result<String, Fault> {
        let mut line = String::new();
        self.replies.read_line(&mut line).map_err(Fault::failed)?;
        let line = line.trim_end();
        let Some((kind, rest)) = line.split_at_checked(1) else { return Err(Fault::failed("Redis is gone")) };
        let length = rest.parse::<usize>();
        match (kind, length) {
            ("$", Ok(length)) => {
                let mut bytes = vec![0; length + 2];
                self.replies.read_exact(&mut bytes).map_err(Fault::failed)?;
                bytes.truncate(length);
                String::from_utf8(bytes).map_err(Fault::failed)
            }
            ("*", Ok(length)) => {
                for _ in 0..length {
                    self.reply()?;
                }
                Ok(rest.to_owned())
            }
            ("-", _) => Err(Fault::failed(format!("Redis refuses: {rest}"))),
            _ => Ok(rest.to_owned()),
        }
    }
}

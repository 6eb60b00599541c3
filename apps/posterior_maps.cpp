#include "apps/posterior_maps.hpp"

#include "apps/posterior_products.hpp"

namespace tessera::apps {

std::vector<config::Option> posterior_options() {
  std::vector<config::Option> options{
      {"chains", "C", "chains, each from a start of its own", "4"},
      {"chain", "K",
       "sample this one alone, from 0 on, into OUT.chain_K, and make no maps: 'tessera gather OUT' does, of "
       "all"},
      {"scales-arcmin", "LIST",
       "scales at which to look for peaks: standard deviations of Gaussians, arcmin [1,2,4; healpix: "
       "10,20,40]"},
      {"threshold", "NU", "what smoothed convergence must exceed, in standard deviations of its prior", "3"},
      {"detection-probability", "P", "posterior probability from which on a peak is listed", "0.5"},
      {"checkpoint-minutes", "T",
       "minutes between checkpoints OUT.checkpoint, of which the one before is kept as OUT.checkpoint.1; "
       "SIGUSR1 asks for "
       "one, SIGUSR2 or SIGTERM for one and an end with exit code 75",
       "10"},
      {"resume", "",
       "go on from OUT.checkpoint, if it is there, or from the one before if it is damaged; ends with the "
       "same bits"}};
  for (const config::Option& option : sampler_options()) options.push_back(option);
  return options;
}

void write_posterior(const PosteriorProblem& problem, const PosteriorSettings& settings,
                     const SamplerSettings& sampler, ChainSource source, io::MapWriter& writer,
                     StageClock& clock) {
  const PosteriorPlan plan(problem, settings, sampler);
  clock.begin("posterior samples");
  const PosteriorProgress all = source == ChainSource::files
                                    ? gather_chains(plan)
                                    : sample_chains(plan, 0, settings.chains, settings.out, clock);
  clock.begin("write posterior");
  write_posterior_products(plan, all, writer, clock);
}

void write_chain(const PosteriorProblem& problem, const PosteriorSettings& settings,
                 const SamplerSettings& sampler, io::AtomicFile& file, StageClock& clock) {
  const PosteriorPlan plan(problem, settings, sampler);
  const std::uint32_t chain = settings.chain.value();
  clock.begin("posterior samples");
  const PosteriorProgress result = sample_chains(plan, chain, chain + 1, file.path(), clock);
  clock.begin("write chain");
  write_posterior_checkpoint(plan.basis(), file, plan.identity(), result);
  clock.end();
}

}  // namespace tessera::apps

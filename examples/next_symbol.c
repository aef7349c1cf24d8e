/* Continues a text to the end of its line, a symbol at a time: next_symbol MODEL TEXT, with a model of the task lm. */
#include <stdio.h>

#include "carousel.h"

int main(int argc, char** argv) {
  carousel_model* model;
  carousel_session* session;
  int32_t symbols[901];
  int64_t count = 500;
  const float* logits;
  char* text;
  if (argc != 3) return fprintf(stderr, "usage: next_symbol MODEL TEXT\n"), 2;
  if (carousel_model_load(argv[1], &model) || carousel_session_open(model, &session) ||
      carousel_session_encode(session, argv[2], symbols + 1, &count))
    return fprintf(stderr, "%s\n", carousel_error()), 1;
  symbols[0] = carousel_session_begin_symbol(session); /* the line end: a text begins as if after one */
  carousel_session_feed(session, symbols, count + 1, &logits);
  for (int written = 0; written < 400; ++written) {
    int32_t best = symbols[0];
    for (int32_t i = 3; i < carousel_session_vocab_size(session); ++i) /* 0 to 2 are markers */
      if (logits[i] > logits[best]) best = i;
    if (best == symbols[0]) break;
    symbols[++count] = best;
    carousel_session_step(session, best, &logits);
  }
  if (carousel_session_decode(session, symbols + 1, count, &text)) return 1;
  puts(text);
  carousel_text_free(text);
  carousel_session_close(session);
  carousel_model_free(model);
  return 0;
}

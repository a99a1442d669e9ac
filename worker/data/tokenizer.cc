// sentencepiece behind a C face (tokenizer.h). No exception leaves this file.
#include "data/tokenizer.h"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <unordered_map>
#include <vector>
#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

struct tokenizer {
    sentencepiece::SentencePieceProcessor processor;
    std::vector<uint32_t> ids;
    std::string text;
};

namespace
{

int complain(char *message, size_t capacity, const std::string &text)
{
    snprintf(message, capacity, "%s", text.c_str());
    return -1;
}

// Runs `work`, which returns a status, and turns whatever goes wrong into a message.
template <typename Work> int guarded(char *message, size_t capacity, Work work)
{
    try {
        sentencepiece::util::Status status = work();
        return status.ok() ? 0 : complain(message, capacity, status.ToString());
    } catch (const std::exception &e) {
        return complain(message, capacity, e.what());
    } catch (...) {
        return complain(message, capacity, "unknown exception");
    }
}

// The lines of a text in memory.
class lines : public sentencepiece::SentenceIterator
{
  public:
    lines(const char *text, size_t size) : at_(text), end_(text + size)
    {
        Next();
    }
    bool done() const override
    {
        return done_;
    }
    void Next() override
    {
        done_ = at_ >= end_;
        if (done_)
            return;
        const char *stop = static_cast<const char *>(memchr(at_, '\n', size_t(end_ - at_)));
        const char *line_end = stop ? stop : end_;
        line_.assign(at_, line_end);
        at_ = line_end + 1;
    }
    const std::string &value() const override
    {
        return line_;
    }
    sentencepiece::util::Status status() const override
    {
        return sentencepiece::util::Status();
    }

  private:
    const char *at_, *end_;
    std::string line_;
    bool done_ = false;
};

} // namespace

int tokenizer_train(const char *text, size_t size, uint32_t vocab, const char *model_path,
                    char *message, size_t capacity)
{
    return guarded(message, capacity, [&]() -> sentencepiece::util::Status {
        const std::unordered_map<std::string, std::string> settings = {
            {"model_type", "bpe"},
            {"vocab_size", std::to_string(vocab)},
            {"normalization_rule_name", "identity"},
            {"remove_extra_whitespaces", "false"},
            {"add_dummy_prefix", "false"},
            {"allow_whitespace_only_pieces", "true"},
            {"byte_fallback", "true"},
            {"max_sentence_length", "65536"},
            {"num_threads", "1"},
            {"minloglevel", "2"},
        };
        lines source(text, size);
        std::string model;
        auto status = sentencepiece::SentencePieceTrainer::Train(settings, &source, &model);
        if (!status.ok())
            return status;
        std::ofstream file(model_path, std::ios::binary);
        file.write(model.data(), std::streamsize(model.size()));
        file.close();
        if (!file)
            throw std::runtime_error(std::string(model_path) + ": cannot be written");
        return status;
    });
}

int tokenizer_load(struct tokenizer **out, const char *model_path, char *message, size_t capacity)
{
    *out = nullptr;
    return guarded(message, capacity, [&]() -> sentencepiece::util::Status {
        auto loaded = new tokenizer;
        auto status = loaded->processor.Load(model_path);
        if (status.ok())
            *out = loaded;
        else
            delete loaded;
        return status;
    });
}

int tokenizer_encode(struct tokenizer *tokenizer, const char *text, size_t size,
                     const uint32_t **ids, size_t *count, char *message, size_t capacity)
{
    return guarded(message, capacity, [&]() -> sentencepiece::util::Status {
        // Line after line, as it was trained: no piece goes over the end of a line, and the time
        // of a merge grows with the length of what is encoded at once.
        sentencepiece::util::Status status;
        std::vector<int> pieces;
        tokenizer->ids.clear();
        for (size_t at = 0; at < size && status.ok();) {
            const void *stop = memchr(text + at, '\n', size - at);
            size_t end = stop ? size_t(static_cast<const char *>(stop) - text) + 1 : size;
            status = tokenizer->processor.Encode({text + at, end - at}, &pieces);
            tokenizer->ids.insert(tokenizer->ids.end(), pieces.begin(), pieces.end());
            at = end;
        }
        *ids = tokenizer->ids.data();
        *count = tokenizer->ids.size();
        return status;
    });
}

int tokenizer_decode(struct tokenizer *tokenizer, const uint32_t *ids, size_t count,
                     const char **text, size_t *size, char *message, size_t capacity)
{
    return guarded(message, capacity, [&]() -> sentencepiece::util::Status {
        std::vector<int> pieces(ids, ids + count);
        auto status = tokenizer->processor.Decode(pieces, &tokenizer->text);
        *text = tokenizer->text.data();
        *size = tokenizer->text.size();
        return status;
    });
}

uint32_t tokenizer_bytes(const struct tokenizer *tokenizer, uint32_t id)
{
    static const std::string space = "\xe2\x96\x81"; // U+2581 stands for ' ' in a piece
    const auto &processor = tokenizer->processor;
    if (id >= uint32_t(processor.GetPieceSize()) || processor.IsControl(int(id)) ||
        processor.IsUnknown(int(id)))
        return 0;
    if (processor.IsByte(int(id)))
        return 1;
    const std::string &piece = processor.IdToPiece(int(id));
    size_t bytes = piece.size();
    for (size_t at = 0; (at = piece.find(space, at)) != std::string::npos; at += space.size())
        bytes -= space.size() - 1;
    return uint32_t(bytes);
}

void tokenizer_free(struct tokenizer *tokenizer)
{
    delete tokenizer;
}

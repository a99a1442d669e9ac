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
extern "C" {
#include "lrsearch/printable.h"
}

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

constexpr size_t LINE_MOST = 65536; // sentencepiece does not learn from longer ones

// How many bytes sentencepiece gives back as they are. It takes what is no UTF-8 for U+FFFD, and
// U+2581 for a space.
size_t kept_bytes(const char *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        uint32_t code;
        size_t length = lr_utf8_next(text + at, size - at, &code);
        if (length == 0 || code == 0x2581)
            break;
        at += length;
    }
    return at;
}

// The lines of a text in memory, long ones cut.
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
        if (size_t(line_end - at_) > LINE_MOST) { // between two characters, if there are any
            line_end = at_ + LINE_MOST;
            while (line_end > at_ + LINE_MOST - 3 && (*line_end & 0xc0) == 0x80)
                line_end--;
            stop = nullptr;
        }
        line_.assign(at_, line_end);
        at_ = stop ? line_end + 1 : line_end;
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

// What sentencepiece would lose becomes tokens of single bytes.
sentencepiece::util::Status encode_line(struct tokenizer *tokenizer, const char *line, size_t size)
{
    std::vector<int> pieces;
    auto &ids = tokenizer->ids;
    for (size_t at = 0; at < size; at++) {
        size_t kept = kept_bytes(line + at, size - at);
        auto status = tokenizer->processor.Encode({line + at, kept}, &pieces);
        if (!status.ok())
            return status;
        ids.insert(ids.end(), pieces.begin(), pieces.end());
        at += kept;
        if (at < size) {
            char name[8];
            snprintf(name, sizeof(name), "<0x%02X>", unsigned(line[at]) & 0xff);
            ids.push_back(uint32_t(tokenizer->processor.PieceToId(name)));
        }
    }
    return sentencepiece::util::Status();
}

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
            {"max_sentence_length", std::to_string(LINE_MOST)},
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
        tokenizer->ids.clear();
        for (size_t at = 0; at < size && status.ok();) {
            const void *stop = memchr(text + at, '\n', size - at);
            size_t end = stop ? size_t(static_cast<const char *>(stop) - text) + 1 : size;
            status = encode_line(tokenizer, text + at, end - at);
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
